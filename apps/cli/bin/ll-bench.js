#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-bench", process.argv.slice(2));
