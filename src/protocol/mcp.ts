// The device's side of MCP, as far as there are no tools yet: says who it is and that its list is empty. Pure.
import type { Json, JsonObject } from './messages.ts';

/** The revision of MCP that servers of this protocol ask for. */
const MCP_REVISION = '2024-11-05';

/** JSON-RPC's own code for a method that does not exist; servers of this kind read only the text. */
const METHOD_NOT_FOUND = -32_601;

/** The reply to one JSON-RPC request; undefined where none is due (notifications, replies, malformed requests). */
export function answerMcp(
  request: JsonObject,
  device: { readonly name: string; readonly version: string },
): JsonObject | undefined {
  const { jsonrpc, id, method, params } = request;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || typeof id !== 'number') return undefined;
  if (method.startsWith('notifications')) return undefined;
  if (params !== undefined && !isObject(params)) return undefined;
  // Ids repeat on real servers: each is echoed, none remembered.
  const reply = { jsonrpc: '2.0', id };
  switch (method) {
    case 'initialize':
      return {
        ...reply,
        result: { protocolVersion: MCP_REVISION, capabilities: { tools: {} }, serverInfo: { ...device } },
      };
    case 'tools/list':
      return { ...reply, result: { tools: [] } };
    case 'tools/call':
      return { ...reply, error: { code: METHOD_NOT_FOUND, message: `Unknown tool: ${nameOf(params)}` } };
    default:
      return { ...reply, error: { code: METHOD_NOT_FOUND, message: `Method not implemented: ${method}` } };
  }
}

function nameOf(params: Json | undefined): string {
  const { name } = isObject(params) ? params : {};
  return typeof name === 'string' ? name : '';
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
