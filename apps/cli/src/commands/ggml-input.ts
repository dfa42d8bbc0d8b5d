// ggml files as input of ll-convert: @ll/checkpoint takes them, but reads them with the package for that format.

import type { GgmlOpener } from "@ll/checkpoint/node";
import { openGgml } from "@ll/ggml-format";

/** Also opens the 4-bit blocks of the first files, which nothing else reads any more. */
export const openGgmlInput: GgmlOpener = (source) => openGgml(source, { oldBlocks: true });
