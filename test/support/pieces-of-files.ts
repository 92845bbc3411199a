import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

const PIECE_BYTES = 16 * 1_048_576;
/** Whatever is shorter stands as a whole in one of the pieces. */
const OVERLAP_BYTES = 65_536;

/** A part of a file, byte for byte as a character. */
export interface PieceOfFile {
  readonly text: string;
  /** The same without what stood in the piece before. */
  readonly news: string;
}

/** All files below a folder: a server's are larger than the longest string. */
export function* piecesOfFiles(folder: string): Generator<PieceOfFile> {
  const buffer = Buffer.alloc(PIECE_BYTES);
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const descriptor = openSync(join(file.parentPath, file.name), 'r');
    let before = '';
    for (;;) {
      const length = readSync(descriptor, buffer);
      if (length === 0) break;
      const news = buffer.toString('latin1', 0, length);
      const text = before + news;
      yield { text, news };
      before = text.slice(-OVERLAP_BYTES);
    }
    closeSync(descriptor);
  }
}
