import { readFile } from 'node:fs/promises';
import { ComputeManagementClient } from '@azure/arm-compute';
import { ResourceManagementClient } from '@azure/arm-resources';
import { diskFailed } from '../../platform/disk.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import { openCredential } from './credential.ts';
import { failed } from './faults.ts';
import { Limiter } from './limiter.ts';
import type { AzureSettings } from './settings.ts';

/** The way to one subscription. All that goes there passes one limiter. */
export type Arm = {
  readonly compute: ComputeManagementClient;
  readonly resources: ResourceManagementClient;
  /** The PEM of the authorities that are believed; undefined: the usual ones. */
  readonly ca: string | undefined;
  /**
   * Does something there, with a signal that also ends it when it takes too long. All that goes
   * wrong is thrown as `Failed`, in the site's own words.
   */
  within<T>(
    doing: string,
    ms: Millis,
    given: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
};

export async function openArm(settings: AzureSettings): Promise<Arm> {
  const { subscription, endpoint, pace } = settings;
  const ca = settings.ca === undefined ? undefined : await readText(settings.ca);
  const common = {
    retryOptions: {
      maxRetries: limits.azureRetriesMax,
      retryDelayInMs: pace.retryMs,
      maxRetryDelayInMs: pace.retryMs * 2 ** limits.azureRetriesMax,
    },
    ...(ca === undefined ? {} : { tlsOptions: { ca } }),
  };
  const credential = await openCredential(settings, common);
  const limiter = new Limiter();
  const options = {
    endpoint,
    credentials: { scopes: [`${endpoint.replace(/\/$/, '')}/.default`] },
    additionalPolicies: [{ policy: limiter, position: 'perRetry' as const }],
    ...common,
  };
  return {
    compute: new ComputeManagementClient(credential, subscription, options),
    resources: new ResourceManagementClient(credential, subscription, options),
    ca,
    async within(doing, ms, given, work) {
      if (given.aborted) throw new Failed('timeout', 'it was given up');
      const late = AbortSignal.timeout(ms);
      try {
        return await work(AbortSignal.any([given, late]));
      } catch (error) {
        if (error instanceof Failed) throw error;
        if (given.aborted) throw new Failed('timeout', `${doing}: it was given up`);
        if (!late.aborted) throw failed(error, doing);
        const pauseMs = limiter.pauseMs();
        const seconds = Math.ceil((pauseMs || ms) / 1000);
        throw pauseMs > 0
          ? new Failed('busy', `${doing}: Azure wants to be left alone for ${seconds} s`)
          : new Failed('timeout', `${doing}: Azure was not done after ${seconds} s`);
      }
    },
  };
}

/** A file of the config that is no secret. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw diskFailed(error, path, 'Reading');
  }
}
