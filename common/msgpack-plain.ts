/**
 * Whether bytes are one value of plain MessagePack: no extension types, no more of anything than was sent.
 * The library knows extensions of its own (shared references, bundled strings, record layouts) with which a
 * few hundred bytes describe a value that takes hours to look at, so it is not asked to read any.
 */

/** Deepest nesting of arrays and maps. */
const MAX_DEPTH = 16;

/** Throws unless `bytes` are exactly one plain value. Takes time in proportion to their length. */
export function checkPlain(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Values still to come, in each array and map that is open. */
  const open = [1];
  let at = 0;
  for (let left = open.pop(); left !== undefined; left = open.pop()) {
    if (left === 0) continue;
    open.push(left - 1);
    const { size, values } = headAt(view, at);
    at += size;
    if (values > bytes.length - at) throw new Error("more values are announced than were sent");
    if (values > 0 && open.push(values) > MAX_DEPTH) throw new Error("nested too deeply");
  }
  if (at !== bytes.length) throw new Error("not exactly one value");
}

interface Head {
  /** Bytes from the type to the end of the value, or to the first value in it. */
  size: number;
  /** Values in it. */
  values: number;
}

/** Reads a type and its length (the MessagePack specification, "formats"). Throws beyond the end. */
function headAt(view: DataView, at: number): Head {
  const type = view.getUint8(at);
  if (type <= 0x7f || type >= 0xe0) return { size: 1, values: 0 };
  if (type <= 0x8f) return { size: 1, values: 2 * (type & 0x0f) };
  if (type <= 0x9f) return { size: 1, values: type & 0x0f };
  if (type <= 0xbf) return { size: 1 + (type & 0x1f), values: 0 };
  switch (type) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return { size: 1, values: 0 };
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return { size: 2, values: 0 };
    case 0xcd: // uint 16
    case 0xd1: // int 16
      return { size: 3, values: 0 };
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
      return { size: 5, values: 0 };
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return { size: 9, values: 0 };
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return { size: 2 + view.getUint8(at + 1), values: 0 };
    case 0xc5: // bin 16
    case 0xda: // str 16
      return { size: 3 + view.getUint16(at + 1), values: 0 };
    case 0xc6: // bin 32
    case 0xdb: // str 32
      return { size: 5 + view.getUint32(at + 1), values: 0 };
    case 0xdc: // array 16
      return { size: 3, values: view.getUint16(at + 1) };
    case 0xdd: // array 32
      return { size: 5, values: view.getUint32(at + 1) };
    case 0xde: // map 16
      return { size: 3, values: 2 * view.getUint16(at + 1) };
    case 0xdf: // map 32
      return { size: 5, values: 2 * view.getUint32(at + 1) };
    default:
      throw new Error("an extension type, or no type");
  }
}
