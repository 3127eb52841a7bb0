/** One server-sent event. */
export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** Server-sent events from text that comes in pieces. Source: WHATWG HTML, 9.2.6 Interpreting an event stream. */
export class EventReader {
  /** The events that this piece completes. */
  read(piece: string): ServerEvent[] {
    const lines = (this._rest + piece).split(/\r\n|\n|\r(?!$)/);
    this._rest = lines.pop() ?? '';
    return lines.flatMap(line => this._line(line));
  }

  private _line(line: string): ServerEvent[] {
    if (line === '') {
      const { id, event, data } = this;
      this.event = '';
      this.data = [];
      return data.length ? [{ id, event: event || 'message', data: data.join('\n') }] : [];
    }
    const [, name, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === 'id') {
      this.id = value ?? '';
    } else if (name === 'event') {
      this.event = value ?? '';
    } else if (name === 'data') {
      this.data.push(value ?? '');
    }
    return [];
  }

  private id = '';
  private event = '';
  private data: string[] = [];
  private _rest = '';
}
