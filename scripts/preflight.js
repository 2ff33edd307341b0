// Runs on any Node, old ones included: says in one line what to do where this one is too old.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `nano needs Node 22.18 or newer, and this is ${process.version}. "npm install" brings Node 24 for npm scripts: run "npm install" again and see that the install script of the package "node" may run (npm config get ignore-scripts).`,
  );
  process.exit(1);
}
