#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-embedding", process.argv.slice(2));
