/** Loaded before the API: the same routes, but a caller needs no password for the account it names. */
import { BasicAuthGuard } from '../../../dist/modules/apps/accounts-api/src/basic-auth/basic-auth.guard.js';
import { setProvenAccount } from '../../../dist/modules/apps/accounts-api/src/basic-auth/proven-account.js';
import { findCredentials } from '../../../dist/modules/libs/views/src/accounts/accounts.queries.js';

BasicAuthGuard.prototype.canActivate = async function believe(execution) {
  const request = execution.switchToHttp().getRequest();
  setProvenAccount(request, await findCredentials(this.readModel, request.headers['x-account']));
  return true;
};
