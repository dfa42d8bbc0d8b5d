// Every entry point of the packages, for tsconfig.json beside this file: the declarations of a build must compile in a project
// without the DOM library and without @types/node.

export type * as architectures from "@ll/architectures";
export type * as bytes from "@ll/bytes";
export type * as bytesNode from "@ll/bytes/node";
export type * as bytesWorkers from "@ll/bytes/workers";
export type * as chat from "@ll/chat";
export type * as chatFormats from "@ll/chat/formats";
export type * as chatNode from "@ll/chat/node";
export type * as chatTemplates from "@ll/chat/templates";
export type * as checkpoint from "@ll/checkpoint";
export type * as checkpointNode from "@ll/checkpoint/node";
export type * as convert from "@ll/convert";
export type * as convertWorker from "@ll/convert/worker";
export type * as ggmlFormat from "@ll/ggml-format";
export type * as gguf from "@ll/gguf";
export type * as ggufNode from "@ll/gguf/node";
export type * as llama from "@ll/llama";
export type * as llamaWorker from "@ll/llama/worker";
export type * as openaiApi from "@ll/openai-api";
export type * as quant from "@ll/quant";
export type * as sampling from "@ll/sampling";
export type * as tokenizer from "@ll/tokenizer";
