#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-main", process.argv.slice(2));
