#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-chat", process.argv.slice(2));
