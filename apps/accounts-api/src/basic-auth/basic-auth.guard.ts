import { AccountIds, NetworkNames } from '@app/account-secrets';
import {
  InvalidAddress,
  addressKeyOf,
  claimFor,
  isErased,
  isRegistered,
  networkKeyOf,
} from '@app/accounts';
import type { Account } from '@app/accounts';
import { invalidRequest } from '@app/http-service';
import { findCredentials } from '@app/views';
import type { AccountCredentials } from '@app/views';
import { Batcher } from '@app/postgres';
import type { Queryable } from '@app/postgres';
import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ACCOUNTS_VIEW } from '../api.tokens.js';
import { ClientAddresses } from '../client-address/client-addresses.js';
import {
  CONSISTENCY_TOKEN,
  ConsistencyTokenBroken,
  ConsistencyTokens,
} from '../read-your-writes/consistency-tokens.js';
import { settlingLater } from '../limits/counts-again.js';
import { ReadYourWrites } from '../read-your-writes/read-your-writes.js';
import type { ClaimedWrite } from '../read-your-writes/read-your-writes.js';
import type { WrittenEvent } from '../read-your-writes/written-event.js';
import { UniformAnswers } from '../uniform-answers/uniform-answers.js';
import { basicCredentialsOf } from './basic-credentials.js';
import type { BasicCredentials } from './basic-credentials.js';
import { PasswordCheck } from './password-check.js';
import type { PasswordClaim } from './password-check.js';
import { setProvenAccount } from './proven-account.js';
import type { ProvenAccount } from './proven-account.js';
import { unauthenticated } from './unauthenticated.js';

/**
 * HTTP Basic Auth over the read model. An address without an account takes as long and is answered the
 * same as a wrong password.
 */
@Injectable()
export class BasicAuthGuard implements CanActivate {
  private readonly lookUps: Batcher<string, AccountCredentials | undefined>;

  constructor(
    @Inject(ACCOUNTS_VIEW) readModel: Queryable,
    private readonly passwordCheck: PasswordCheck,
    private readonly accountIds: AccountIds,
    private readonly networkNames: NetworkNames,
    private readonly consistencyTokens: ConsistencyTokens,
    private readonly readYourWrites: ReadYourWrites,
    private readonly clients: ClientAddresses,
    private readonly uniformAnswers: UniformAnswers,
  ) {
    this.lookUps = new Batcher((accountIds) => findCredentials(readModel, accountIds));
  }

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const written = this.writtenOf(request.headers[CONSISTENCY_TOKEN.toLowerCase()]);
    const credentials = basicCredentialsOf(request.headers.authorization);
    if (credentials === 'not-utf-8') throw unauthenticated(credentials);
    const account =
      credentials &&
      (await this.uniformAnswers.atTheBeat(
        () => this.prove(request, credentials, written, settlingLater(execution)),
        (proven) => proven === undefined,
      ));
    if (account === undefined) {
      throw unauthenticated();
    }
    setProvenAccount(request, account);
    return true;
  }

  private async prove(
    request: FastifyRequest,
    { address, password }: BasicCredentials,
    written: WrittenEvent | undefined,
    settleLater: PasswordClaim['settleLater'],
  ): Promise<ProvenAccount | undefined> {
    const accountId = this.accountIdOf(address);
    this.passwordCheck.assertRoomFor(accountId);
    const networks = this.clients.networksOf(request);
    const claimed = written && { ...written, network: networks.host };
    const account = accountId === undefined ? undefined : await this.find(accountId, claimed);
    const stored = account && this.comparedWith(account, networks.network);
    const claim = {
      requestId: request.id,
      client: this.clients.clientOf(request),
      networks,
      address,
      accountId,
      password,
      settleLater,
    };
    if (!(await this.passwordCheck.isRight(claim, stored)) || account === undefined || !stored) {
      return undefined;
    }
    return {
      ...account,
      address: stored.address,
      claimNumber: stored.claimNumber,
      proveAgain: (state) => this.proveAgain(account.accountId, state, password, networks.network),
    };
  }

  /** Exactly one claim, whatever their number: each further one would be another guess. */
  private comparedWith({ accountId, networkKey, claims }: AccountCredentials, network: string) {
    const name = this.networkNames.nameOf(networkKey ?? '', network);
    const claim = claimFor(claims, name);
    return (
      claim && {
        accountId,
        claimNumber: claim.number,
        address: claim.address,
        passwordHash: claim.passwordHash,
        isOfCallersNetwork: networkKey !== undefined && claim.network === name,
      }
    );
  }

  private async proveAgain(accountId: string, state: Account, password: string, network: string) {
    if (!isRegistered(state)) return undefined;
    const name = this.networkNames.nameOf(networkKeyOf(state) ?? '', network);
    const claim = state.status === 'active' ? state.claim : claimFor(state.claims, name);
    if (claim === undefined || isErased(claim.passwordHash)) return undefined;
    const { passwordHash } = claim;
    const isRight = await this.passwordCheck.compare(password, { accountId, passwordHash });
    return isRight ? claim.number : undefined;
  }

  private async find(accountId: string, claimed: ClaimedWrite | undefined) {
    await this.readYourWrites.settle(accountId, claimed);
    return this.lookUps.ask(accountId);
  }

  private accountIdOf(address: string): string | undefined {
    try {
      return this.accountIds.accountIdOf(addressKeyOf(address));
    } catch (error) {
      // No account can have it, and saying why would answer differently from a wrong password.
      if (error instanceof InvalidAddress) return undefined;
      throw error;
    }
  }

  private writtenOf(header: string | string[] | undefined): WrittenEvent | undefined {
    if (header === undefined) return undefined;
    try {
      // A header that was sent twice arrives joined, and does not open either.
      return this.consistencyTokens.open(String(header));
    } catch (error) {
      if (!(error instanceof ConsistencyTokenBroken)) throw error;
      throw invalidRequest([
        {
          field: CONSISTENCY_TOKEN,
          code: 'not-from-this-service',
          message: 'send this header as an earlier answer of this service had it, or not at all',
        },
      ]);
    }
  }
}
