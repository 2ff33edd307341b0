"""Runs the room: python examples/python-room --id python-1 --discovery etcd://127.0.0.1:2379"""

import sys
from pathlib import Path

# What setup.sh has made of the .proto files.
sys.path.append(str(Path(__file__).parent / "gen"))

from chat_room.main import main  # noqa: E402

main()
