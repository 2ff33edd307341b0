import type { Message } from "@bufbuild/protobuf";
import type { Listen } from "nano-rpc/client";
import { useEffect, useEffectEvent } from "react";

/** Hears a push for as long as the component is there: `usePush(room.onSaid, (said) => ...)`. */
export function usePush<M extends Message>(listen: Listen<M>, heard: (message: M) => void): void {
  const latest = useEffectEvent(heard);
  useEffect(() => listen((message) => latest(message)), [listen]);
}
