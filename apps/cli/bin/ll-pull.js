#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-pull", process.argv.slice(2));
