// Workers on Node and in browsers. A worker is a script of the package that starts it.

export { errorFrom, type PlainError, plainError } from "./plain-error.ts";
export type { URL } from "./platform-types.ts";
export { type StartOptions, scriptUrl } from "./start-workers.ts";
export { isSyncReadable, openSyncFile, type SyncFile } from "./sync-file.ts";
export {
  answerRequests,
  createWorkerPool,
  type PoolOptions,
  type WorkerAnswer,
  type WorkerPool,
} from "./worker-pool.ts";
export {
  availableCores,
  type ParentPort,
  parentPort,
  type SpawnWorker,
  type WorkerHandle,
  type WorkerListeners,
  workerSpawner,
} from "./worker-threads.ts";
