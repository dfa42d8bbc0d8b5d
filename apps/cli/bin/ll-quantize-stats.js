#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-quantize-stats", process.argv.slice(2));
