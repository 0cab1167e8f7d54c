/* A custom runtime as a static binary would be: HTTP/1.1 over one connection that is kept, the event as the response. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static int server;
static char *buffer;
static size_t filled, room;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void send_all(const char *data, size_t length) {
  while (length > 0) {
    ssize_t sent = write(server, data, length);
    if (sent <= 0) fail("write");
    data += sent;
    length -= (size_t)sent;
  }
}

static void receive(void) {
  if (room - filled < 65536) {
    room = room * 2 + 131072;
    buffer = realloc(buffer, room + 1);
    if (!buffer) fail("realloc");
  }
  ssize_t got = read(server, buffer + filled, room - filled);
  if (got <= 0) exit(0);
  filled += (size_t)got;
  buffer[filled] = 0;
}

/* Reads one response; its head stays in the buffer, its body begins where told. */
static char *response(size_t *length) {
  char *end;
  filled = 0;
  do receive();
  while (!(end = strstr(buffer, "\r\n\r\n")));
  size_t head = (size_t)(end - buffer) + 4;
  char *line = strcasestr(buffer, "\r\nContent-Length: ");
  *length = line && line < end ? strtoul(line + 18, 0, 10) : 0;
  while (filled < head + *length) receive();
  return buffer + head;
}

int main(void) {
  char host[64], request[512], id[64];
  const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
  if (!api || sscanf(api, "%63[^:]", host) != 1) return 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(strchr(api, ':') + 1))};
  inet_pton(AF_INET, host, &address.sin_addr);
  server = socket(AF_INET, SOCK_STREAM, 0);
  /* As clients of Go and Rust do: otherwise a body waits for the acknowledgement of its head. */
  setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if (connect(server, (struct sockaddr *)&address, sizeof address)) fail("connect");
  for (;;) {
    size_t length;
    int head = snprintf(request, sizeof request, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n", api);
    send_all(request, (size_t)head);
    char *body = response(&length);
    char *line = strcasestr(buffer, "\r\nLambda-Runtime-Aws-Request-Id: ");
    if (!line || sscanf(line + 33, "%63[^\r]", id) != 1) return 2;
    head = snprintf(request, sizeof request,
                    "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n", id, api,
                    length);
    send_all(request, (size_t)head);
    send_all(body, length);
    response(&length);
  }
}
