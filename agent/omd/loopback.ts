/** Lists of addresses that may connect, as Checkmk has them for several services. */
import { BlockList, isIP } from "node:net";

/** Whether connections from 127.0.0.1 are let in by a list of addresses and networks, parted by white space or commas. */
export function admitsLoopback(list: string): boolean {
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === "localhost" || entry === "0.0.0.0") return true;
    const [address = "", bits = "32"] = entry.split("/");
    if (isIP(address) !== 4 || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return false;
    const network = new BlockList();
    network.addSubnet(address, Number(bits), "ipv4");
    return network.check("127.0.0.1", "ipv4");
  });
}
