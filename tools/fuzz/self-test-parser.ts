// What the fuzzer is tested on; covered like a real parser.

import { FormatError } from "@ll/bytes";

export function parse(data: Uint8Array): void {
  switch (new TextDecoder().decode(data)) {
    case "refused":
      throw new FormatError({ code: "E_TEST", message: "refused" });
    case "crash":
      throw new TypeError("crash");
    case "prototype":
      Object.assign(Object.prototype, { polluted: true });
      break;
    case "memory": {
      const all: number[][] = [];
      for (;;) all.push(new Array(10_000_000).fill(0.5)); // 80 MB
    }
    case "length":
      new Uint8Array(2 ** 21);
      break;
    case "hang":
      for (;;);
    case "slow": {
      const before = process.cpuUsage();
      const ms = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;
      while (ms(process.cpuUsage(before)) <= 1001);
    }
  }
  if (data[0] === 0x9e) {
    if (data[1] === 0x37) {
      if (data[2] === 0x79) {
        if (data[3] === 0xb9) {
          if (data[4] === 0x7f) throw new Error("deep");
        }
      }
    }
  }
}
