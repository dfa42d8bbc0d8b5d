// Downloads to files, and the folder that keeps them: for Node only.

export { type KeptModel, listModels, removeModel } from "./cache.ts";
export type { OtherStores } from "./other-stores.ts";
export { type PullEvent, type PulledModel, type PullOptions, pullModel } from "./pull.ts";
export { cacheFolder, type HubSettings, hubSettings } from "./settings.ts";
