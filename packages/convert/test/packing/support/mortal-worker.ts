// A worker that dies when it is told to.

import { type MessagePort, workerData } from "node:worker_threads";
import "../../../src/convert-worker.ts";

(workerData as MessagePort).on("message", (death: "exit" | "throw") => {
  if (death === "exit") process.exit(7);
  throw new Error("told to throw");
});
