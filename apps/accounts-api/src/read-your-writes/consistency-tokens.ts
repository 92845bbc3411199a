import { hkdfSync } from 'node:crypto';
import { SealBroken, open, seal } from '@app/personal-data';
import type { WrittenEvent } from './written-event.js';

/** Name of the header that carries a written event from a write to a read. */
export const CONSISTENCY_TOKEN = 'Consistency-Token';

const PURPOSE = 'consistency-token/v1';
const KEY_BYTES = 32;
const ID_BYTES = 16;
const CONTENT_BYTES = 32;
/** 60 bytes, sealed, in base64url: a text that can be written in one way only. */
const TOKEN = /^[A-Za-z0-9_-]{80}$/;
/** Stands for no event: account ids are never nil. */
const NO_EVENT = Buffer.alloc(CONTENT_BYTES);

/** The text is no token of ours: made up, changed, or sealed with another key. */
export class ConsistencyTokenBroken extends Error {
  override readonly name = 'ConsistencyTokenBroken';
}

/**
 * Written events as texts that only our own processes can read, make or change. Each text is new, and as
 * long as every other: a position in the clear would reveal how much was written for another person's address.
 */
export class ConsistencyTokens {
  private readonly key: Buffer;

  /** @param secret the same in all processes, and for ever: a token outlives restarts */
  constructor(secret: Buffer) {
    this.key = Buffer.from(hkdfSync('sha256', secret, '', PURPOSE, KEY_BYTES));
  }

  /** @param written nothing where there is nothing to wait for; its token looks like any other */
  seal(written: WrittenEvent | undefined): string {
    return seal(written ? contentOf(written) : NO_EVENT, this.key, PURPOSE).toString('base64url');
  }

  /** @throws ConsistencyTokenBroken */
  open(token: string): WrittenEvent | undefined {
    if (!TOKEN.test(token)) throw new ConsistencyTokenBroken();
    const content = this.opened(Buffer.from(token, 'base64url'));
    if (content.equals(NO_EVENT)) return undefined;
    const hex = content.toString('hex', 0, ID_BYTES);
    return {
      accountId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
      revision: content.readBigUInt64BE(ID_BYTES),
      position: content.readBigUInt64BE(ID_BYTES + 8),
    };
  }

  private opened(sealed: Buffer): Buffer {
    try {
      return open(sealed, this.key, PURPOSE);
    } catch (error) {
      if (error instanceof SealBroken) throw new ConsistencyTokenBroken();
      throw error;
    }
  }
}

function contentOf({ accountId, revision, position }: WrittenEvent): Buffer {
  const content = Buffer.alloc(CONTENT_BYTES);
  content.write(accountId.replaceAll('-', ''), 'hex');
  content.writeBigUInt64BE(revision, ID_BYTES);
  content.writeBigUInt64BE(position, ID_BYTES + 8);
  return content;
}
