#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-tokenize", process.argv.slice(2));
