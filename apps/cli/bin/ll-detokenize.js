#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-detokenize", process.argv.slice(2));
