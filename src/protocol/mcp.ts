// The device's side of MCP: what one JSON-RPC request wants, and the replies as values. Pure; the tools are run elsewhere,
// and when they like.
import { excerpt } from './excerpt.ts';
import { isObject } from './fields.ts';
import { QUOTE_LIMIT_CHARS } from './limits.ts';
import type { JsonObject } from './messages.ts';
import { pageOf, readValues, type ToolShape, type Values } from './tools.ts';

/** The revision of MCP that servers of this protocol ask for. */
const MCP_REVISION = '2024-11-05';

/** JSON-RPC's own codes (specification 2.0 §5.1); servers of this kind read only the text. */
const METHOD_NOT_FOUND = -32_601;
const INVALID_PARAMS = -32_602;
const INTERNAL = -32_603;

export type DeviceName = { readonly name: string; readonly version: string };

/** `silent`: no reply is due (notifications, replies, malformed requests). */
export type McpRequest =
  | { readonly kind: 'silent' }
  /** `refused`: what the reply answers is a call that is not made. Its name may be anything; fit for a log line. */
  | {
      readonly kind: 'reply';
      readonly payload: JsonObject;
      readonly refused?: { readonly tool: string; readonly why: string };
    }
  | { readonly kind: 'call'; readonly id: number; readonly tool: ToolShape; readonly values: Values };

const SILENT: McpRequest = { kind: 'silent' };

export function readMcp(request: JsonObject, device: DeviceName, tools: readonly ToolShape[]): McpRequest {
  const { jsonrpc, id, method, params } = request;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || typeof id !== 'number') return SILENT;
  if (method.startsWith('notifications')) return SILENT;
  if (params !== undefined && !isObject(params)) return SILENT;
  switch (method) {
    case 'initialize':
      return reply(id, {
        protocolVersion: MCP_REVISION,
        capabilities: { tools: {} },
        serverInfo: { ...device },
      });
    case 'tools/list':
      return listed(id, params ?? {}, tools);
    case 'tools/call':
      return called(id, params, tools);
    default:
      return refuse(id, METHOD_NOT_FOUND, `Method not implemented: ${method}`);
  }
}

/** Ids repeat on real servers: each is echoed, none remembered. */
export function succeeded(id: number, text: string): JsonObject {
  return { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }], isError: false } };
}

export function failed(id: number, message: string, code: number = INTERNAL): JsonObject {
  return { jsonrpc: '2.0', id, error: { code, message } };
}

function listed(id: number, params: JsonObject, tools: readonly ToolShape[]): McpRequest {
  const { cursor, withUserTools } = params;
  const page = pageOf(tools, typeof cursor === 'string' ? cursor : '', withUserTools === true);
  return 'failed' in page ? refuse(id, INVALID_PARAMS, page.failed) : reply(id, page.result);
}

function called(id: number, params: JsonObject | undefined, tools: readonly ToolShape[]): McpRequest {
  if (params === undefined) return notCalled(id, '', INVALID_PARAMS, 'Missing params');
  const { name, arguments: given } = params;
  if (typeof name !== 'string') return notCalled(id, '', INVALID_PARAMS, 'Missing name');
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) return notCalled(id, name, METHOD_NOT_FOUND, `Unknown tool: ${name}`);
  const read = readValues(tool, given);
  if ('failed' in read) return notCalled(id, name, INVALID_PARAMS, read.failed);
  return { kind: 'call', id, tool, values: read.values };
}

function reply(id: number, result: JsonObject): McpRequest {
  return { kind: 'reply', payload: { jsonrpc: '2.0', id, result } };
}

function refuse(id: number, code: number, message: string): McpRequest {
  return { kind: 'reply', payload: failed(id, message, code) };
}

function notCalled(id: number, name: string, code: number, message: string): McpRequest {
  const refused = { tool: excerpt(name, QUOTE_LIMIT_CHARS), why: excerpt(message) };
  return { kind: 'reply', payload: failed(id, message, code), refused };
}
