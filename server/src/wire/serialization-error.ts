// What a decoder throws; each protocol gives it its own code (`SerializationException`, `MalformedXML`, …).

export class SerializationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SerializationError';
  }
}
