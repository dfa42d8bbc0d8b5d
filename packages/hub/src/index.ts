// @ll/hub: models by name. This entry runs in browsers too; downloads to files are in ./node.

export { chooseFiles, type HubFile } from "./choose-files.ts";
export { HubError, type HubErrorCode, type HubErrorFields, isHubError } from "./errors.ts";
export {
  type ByteRange,
  DEFAULT_ENDPOINT,
  type Hub,
  type HubEvent,
  type HubListing,
  type HubOptions,
  openHub,
} from "./hub.ts";
export { type HubName, type ModelName, parseModelName } from "./model-name.ts";
