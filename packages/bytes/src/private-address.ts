// Which addresses lie inside a network: those that a server outside must not lead a program to (RFC 6890 and the registries of
// special-purpose addresses at IANA).

import { nodeModule } from "./node-modules.ts";

/** First address and length of the prefix, of IPv4. */
const PRIVATE_V4: readonly (readonly [number, number])[] = [
  [0x00000000, 8], // this host
  [0x0a000000, 8],
  [0x64400000, 10], // behind the address translation of a provider
  [0x7f000000, 8], // loopback
  [0xa9fe0000, 16], // link-local, where clouds keep credentials
  [0xac100000, 12],
  [0xc0000000, 24],
  [0xc0a80000, 16],
  [0xc6120000, 15], // benchmarks
  [0xe0000000, 3], // multicast, reserved, broadcast
];

/** Names that are never of the public internet. A name without a dot is one of the local network too. */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|home\.arpa)$/;

/**
 * Whether a host of a URL is inside a network, by its address or its name; on Node also by all addresses that its name has now.
 * @param hostname as URL gives it: IPv4 in four decimal numbers, IPv6 in brackets
 */
export async function isPrivateHost(hostname: string): Promise<boolean> {
  if (isPrivateName(hostname)) return true;
  const dns = nodeModule("node:dns/promises");
  // a name that is not found is for the request to fail with
  const found = (await dns?.lookup(hostname.replace(/^\[|\]$/g, ""), { all: true }).catch(() => undefined)) ?? [];
  return found.some(({ address }) => isPrivateName(address.includes(":") ? `[${address}]` : address));
}

/** `isPrivateHost` without asking for addresses of the name. */
export function isPrivateName(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  if (name.startsWith("[")) return isPrivateV6(groupsOf(name.slice(1, -1)));
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return isPrivateV4(numberOf(name));
  return !name.includes(".") || PRIVATE_NAME.test(name);
}

function isPrivateV4(address: number): boolean {
  return PRIVATE_V4.some(([first, bits]) => Math.floor((address - first) / 2 ** (32 - bits)) === 0 && address >= first);
}

function isPrivateV6(groups: readonly number[]): boolean {
  const [first = 0, second = 0] = groups;
  const v4At = (index: number): number => (groups[index] ?? 0) * 0x10000 + (groups[index + 1] ?? 0);
  const startsWith = (...prefix: number[]): boolean => prefix.every((group, i) => group === groups[i]);
  if (startsWith(0, 0, 0, 0, 0)) return groups[5] === 0 || isPrivateV4(v4At(6)); // ::, ::1, and IPv4 in ::ffff:0:0/96
  if (startsWith(0x64, 0xff9b)) return isPrivateV4(v4At(6)); // IPv4 behind NAT64
  if (first === 0x2002) return isPrivateV4(v4At(1)); // IPv4 in 6to4
  if (first === 0x2001 && second === 0) return true; // Teredo
  // unique local; link-local and site-local; multicast
  return (first & 0xfe00) === 0xfc00 || (first & 0xff80) === 0xfe80 || first >= 0xff00;
}

function numberOf(v4: string): number {
  return v4.split(".").reduce((sum, part) => 256 * sum + Number(part), 0);
}

/** The eight numbers of an IPv6 address, whose zeros may be left out and whose end may be an IPv4 address. */
function groupsOf(v6: string): number[] {
  const plain = v6.replace(/%.*$/, "").replace(/\d+\.\d+\.\d+\.\d+$/, (v4) => {
    const number = numberOf(v4);
    return `${Math.floor(number / 0x10000).toString(16)}:${(number % 0x10000).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const parse = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const [before, after] = [parse(head), parse(tail ?? "")];
  return tail === undefined ? before : [...before, ...Array(8 - before.length - after.length).fill(0), ...after];
}
