import type { Kernel } from '@jupyterlab/services';
import type { Suite, Verdict } from './wire';

export type LiveVerdicts = Map<string, readonly Verdict[]>;
export const NO_VERDICTS: LiveVerdicts = new Map();

const MIME = 'application/vnd.nbprod.verdicts+json';

/**
 * The verdicts on values that a kernel holds, by value; nothing where the kernel has no nbprod, or no such values.
 * The kernel isn't disturbed: nothing is stored in its history or shown.
 */
export async function judge(
  kernel: Kernel.IKernelConnection,
  suites: readonly Suite[],
  loads: boolean
): Promise<LiveVerdicts> {
  const asked = JSON.stringify(JSON.stringify(suites));
  const reply = await kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    stop_on_error: false,
    user_expressions: {
      verdicts:
        "__import__('nbprod.faces.live', fromlist=['judged'])" +
        `.judged(globals(), ${asked}, loads=${loads ? 'True' : 'False'})`
    }
  }).done;
  if (reply.content.status !== 'ok') {
    return NO_VERDICTS;
  }
  const answer = reply.content.user_expressions?.verdicts as { data?: { [mime: string]: unknown } } | undefined;
  const found = answer?.data?.[MIME] as { [value: string]: Verdict[] } | undefined;
  return new Map(Object.entries(found ?? {}));
}
