#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-perplexity", process.argv.slice(2));
