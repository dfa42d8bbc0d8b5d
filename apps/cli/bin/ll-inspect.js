#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-inspect", process.argv.slice(2));
