#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-verify", process.argv.slice(2));
