#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll", process.argv.slice(2));
