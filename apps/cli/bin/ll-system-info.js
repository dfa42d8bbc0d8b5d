#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-system-info", process.argv.slice(2));
