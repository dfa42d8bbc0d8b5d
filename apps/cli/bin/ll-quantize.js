#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-quantize", process.argv.slice(2));
