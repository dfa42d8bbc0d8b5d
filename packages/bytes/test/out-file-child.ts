// The process that out-file-faults.test.ts kills. Arguments: path, number of pieces, and the call to the file system
// before which it kills itself; without that it says when it has begun to write.

import { hookedFs } from "./faulty-fs.ts";
import { replaceFile } from "./replace-file.ts";

const [path = "", nPieces = "", killAt] = process.argv.slice(2);
const fs = hookedFs((call, name) => {
  if (call === Number(killAt)) process.kill(process.pid, "SIGKILL");
  if (killAt === undefined && name === "write") process.stdout.write(".");
});
await replaceFile(path, fs, Number(nPieces));
