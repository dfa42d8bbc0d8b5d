// ll-system-info: what this machine and this Node offer to the programs, for reports and for choosing a model.

import { readFileSync } from "node:fs";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { KERNEL_TIERS, type KernelProducts, type KernelSet, type KernelTier, loadKernels } from "@ll/quant";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit-codes.ts";
import { jsonRow } from "../option-rows.ts";
import type { OptionSpec } from "../option-table.ts";
import { type Program, readArguments, usageError } from "../program.ts";
import { tableColumns, tableLines } from "../text-table.ts";
import { sizeText } from "../units.ts";
import { manifestVersion } from "../version.ts";

interface SystemInfoParams {
  json: boolean;
}

/** What `--json` prints. */
interface SystemInfo {
  /** Of this shape. */
  readonly version: 1;
  readonly ll: string;
  readonly node: string;
  readonly v8: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  /** Kernels that run here and pass their self-test, slowest first; the last is the one that is used. All compute the same bits. */
  readonly kernels: readonly KernelTier[];
  /** How each of them adds products; where there are two ways, the one that was faster just now. */
  readonly products: Readonly<Partial<Record<KernelTier, KernelProducts>>>;
  /** Which memory Linux puts into huge pages; elsewhere it is absent. The weights are in them with "always" alone. */
  readonly hugePages?: string;
}

/** Transparent huge pages: the choice that is in brackets. Source: the Linux kernel, Documentation/admin-guide/mm/transhuge.rst. */
const HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage/enabled";

export const SYSTEM_INFO_OPTIONS: readonly OptionSpec<SystemInfoParams>[] = [jsonRow("one JSON object")];

const PROGRAM: Program<SystemInfoParams> = {
  examples: ["", "--json"],
  usage: "[options]",
  description: "Prints what this machine and this Node offer: cores, memory, and the kernels that run here.",
  options: SYSTEM_INFO_OPTIONS,
};

export const systemInfoCommand: Command = async (bin, argv, io) => {
  const params: SystemInfoParams = { json: false };
  const positionals = await readArguments(PROGRAM, bin, argv, params, io);
  if (positionals === undefined) return ExitCode.ok;
  if (positionals.length > 0) throw usageError(PROGRAM, bin, `unexpected argument "${positionals[0]}"`);
  const info = await systemInfo();
  const columns = tableColumns(io.out, io.env, { truncate: true });
  io.out.write(params.json ? `${JSON.stringify(info, null, 2)}\n` : infoText(info, columns));
  return ExitCode.ok;
};

async function systemInfo(): Promise<SystemInfo> {
  const found: KernelSet[] = [];
  for (const tier of KERNEL_TIERS) {
    const set = await loadKernels(tier); // one after the other: "wide" has flags of the whole process
    if (set.tier === tier) found.push(set);
  }
  return {
    version: 1,
    ll: manifestVersion(),
    node: process.versions.node,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    kernels: found.map(({ tier }) => tier),
    products: Object.fromEntries(found.map(({ tier, products }) => [tier, products])),
    ...hugePages(),
  };
}

function hugePages(): Pick<SystemInfo, "hugePages"> {
  try {
    const chosen = /\[(\w+)\]/.exec(readFileSync(HUGE_PAGES, "utf8"))?.[1];
    return chosen === undefined ? {} : { hugePages: chosen };
  } catch {
    return {}; // not Linux, or one without them
  }
}

function infoText(info: SystemInfo, columns: number): string {
  const kernels = info.kernels.map((tier) => (info.products[tier] === "pairs" ? `${tier}-pairs` : tier));
  const rows = [
    ["ll", info.ll],
    ["Node", `${info.node} (V8 ${info.v8})`],
    ["platform", info.platform],
    ["processor", info.cpu],
    ["cores", String(info.cores)],
    ["memory", `${sizeText(info.memoryBytes)}, ${sizeText(info.freeMemoryBytes)} free`],
    ["kernels", `${kernels.join(", ")} (the last one is used; all compute the same)`],
    ...(info.hugePages === undefined ? [] : [["hugepages", `${info.hugePages}${hugePagesHint(info.hugePages)}`]]),
  ];
  return `${tableLines(rows, ["left", "left"], { columns }).join("\n")}\n`;
}

function hugePagesHint(chosen: string): string {
  return chosen === "always" ? "" : ` (texts may come faster with: echo always | sudo tee ${HUGE_PAGES})`;
}
