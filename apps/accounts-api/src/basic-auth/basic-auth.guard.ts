import { AccountIds } from '@app/account-secrets';
import { InvalidAddress, addressKeyOf } from '@app/accounts';
import { invalidRequest } from '@app/http-service';
import { findCredentials } from '@app/read-model';
import type { Queryable } from '@app/read-model';
import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { READ_MODEL } from '../accounts.js';
import { ClientAddresses } from '../client-address/client-addresses.js';
import { CONSISTENCY_TOKEN, ReadYourWrites } from '../read-your-writes/read-your-writes.js';
import type { ConsistencyToken } from '../read-your-writes/read-your-writes.js';
import { UniformAnswers } from '../uniform-answers/uniform-answers.js';
import { basicCredentialsOf } from './basic-credentials.js';
import type { BasicCredentials } from './basic-credentials.js';
import { PasswordCheck } from './password-check.js';
import { setProvenAccount } from './proven-account.js';
import type { ProvenAccount } from './proven-account.js';
import { unauthenticated } from './unauthenticated.js';

/**
 * HTTP Basic Auth over the read model. An address without an account takes as long and is answered the
 * same as a wrong password.
 */
@Injectable()
export class BasicAuthGuard implements CanActivate {
  constructor(
    @Inject(READ_MODEL) private readonly readModel: Queryable,
    private readonly passwordCheck: PasswordCheck,
    private readonly accountIds: AccountIds,
    private readonly readYourWrites: ReadYourWrites,
    private readonly clients: ClientAddresses,
    private readonly uniformAnswers: UniformAnswers,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const token = consistencyTokenOf(request.headers[CONSISTENCY_TOKEN.toLowerCase()]);
    const credentials = basicCredentialsOf(request.headers.authorization);
    const account =
      credentials &&
      (await this.uniformAnswers.atTheBeat(
        () => this.prove(request, credentials, token),
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
    token: bigint | undefined,
  ): Promise<ProvenAccount | undefined> {
    const accountId = this.accountIdOf(address);
    this.passwordCheck.assertRoomFor(accountId);
    const clientNetwork = this.clients.networkOf(request);
    const written = token === undefined ? token : { position: token, network: clientNetwork };
    const account = accountId === undefined ? undefined : await this.find(accountId, written);
    const claim = {
      requestId: request.id,
      client: this.clients.clientOf(request),
      clientNetwork,
      address,
      accountId,
      password,
    };
    return (await this.passwordCheck.isRight(claim, account)) ? account : undefined;
  }

  private async find(accountId: string, token: ConsistencyToken | undefined) {
    await this.readYourWrites.settle(accountId, token);
    return findCredentials(this.readModel, accountId);
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
}

const POSITION = /^\d{1,19}$/;

function consistencyTokenOf(header: string | string[] | undefined): bigint | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !POSITION.test(header)) {
    throw invalidRequest([
      {
        field: CONSISTENCY_TOKEN,
        message: 'must be the value of that header in an earlier answer',
      },
    ]);
  }
  return BigInt(header);
}
