import type { Failure } from './errors.ts';
import type { Message, Name } from './messages.ts';
import type { Who } from './who.ts';

/** All that goes over a link between nodes, or between a node and a terminal, besides streams. */
export type Envelope =
  | {
      readonly is: 'call';
      /** The path of the actor it is for. */
      readonly to: string;
      /** The question that it is, unique for its sender on this link; 0: no answer is wanted. */
      readonly ask: number;
      /** For whom a head forwards it; taken from heads only. */
      readonly who?: Who;
      readonly message: Message;
    }
  | { readonly is: 'reply'; readonly ask: number; readonly name: Name; readonly body: object }
  | { readonly is: 'refused'; readonly ask: number; readonly failure: Failure }
  | { readonly is: 'watch'; readonly watch: number; readonly path: string }
  | { readonly is: 'unwatch'; readonly watch: number }
  | { readonly is: 'down'; readonly watch: number; readonly why: string };
