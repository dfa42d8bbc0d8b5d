#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-convert", process.argv.slice(2));
