// A worker that dies when it is told to: any script of a package, with a second port.

import { type MessagePort, workerData } from "node:worker_threads";

const { script, port } = workerData as { readonly script: string; readonly port: MessagePort };
await import(script);
port.on("message", (death: "exit" | "throw") => {
  if (death === "exit") process.exit(7);
  throw new Error("told to throw");
});
