#!/usr/bin/env node
import { main } from "../dist/main.js";

await main("ll-imatrix", process.argv.slice(2));
