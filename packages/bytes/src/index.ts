// Reading and writing that cannot be fooled: the checked byte layer under every format of the toolchain.

export { isBytes, isError, isTypedArray, kindOf } from "./arguments.ts";
export { BoundedReader, createReader, type ReaderOptions } from "./bounded-reader.ts";
export { type Budget, type BudgetLimits, type BudgetOptions, createBudget, headerBudget } from "./budget.ts";
export { type ByteSink, memorySink } from "./byte-sink.ts";
export {
  assertSource,
  assertSpan,
  type ByteSource,
  blobSource,
  closeAll,
  memorySource,
  type SourceOrigin,
} from "./byte-source.ts";
export {
  allocate,
  FormatError,
  type FormatErrorClass,
  type FormatErrorFields,
  IoError,
  isFormatError,
  isIoError,
  isWorkerError,
  printable,
  WorkerError,
} from "./errors.ts";
export { decodeBf16, decodeF16, encodeF16, f16ToF32, f16Values, f32ToF16 } from "./f16.ts";
export {
  type HttpAddress,
  type HttpAnswer,
  type HttpSourceOptions,
  httpAddress,
  PASSING_STATUS,
  sendRequest,
} from "./http-request.ts";
export { type HttpSource, httpSource } from "./http-source.ts";
export type { AbortSignal, Blob, Fetch, Request, Response, URL } from "./platform-types.ts";
export {
  FileTensor,
  type SourceTensor,
  type TensorLocation,
  type TensorSource,
  tensorChunks,
} from "./tensor-source.ts";
export { turn } from "./turn.ts";
