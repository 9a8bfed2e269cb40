// SPDX-License-Identifier: Apache-2.0

// libuv: a uv_pipe_t per client. Bytes are read into a buffer that all clients share, or straight into a large frame. A
// reply is tried at once, and only the bytes that the kernel does not take become a write request.
//
// Usage: libuv-echo SOCKET [--send-buffer BYTES] [--receive-buffer BYTES]

#include <unistd.h>
#include <uv.h>

#include "echo.h"
#include "echo_options.h"

struct client {
    uv_pipe_t pipe;
    uv_write_t request;
    struct bytes writing; // what the request sends
    bool is_read;
    struct echo echo; // its `out` waits for the request to end
};

static struct echo_options options;

static void check(int result, const char *what) {
    if (result == 0) return;
    fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
    exit(1);
}

static void on_closed(uv_handle_t *handle) {
    struct client *client = (struct client *)handle;
    echo_release(&client->echo);
    free(client);
}

static void close_client(struct client *client) {
    uv_handle_t *handle = (uv_handle_t *)&client->pipe;
    if (!uv_is_closing(handle)) uv_close(handle, on_closed);
}

static void on_target(uv_handle_t *handle, size_t suggested, uv_buf_t *target) {
    (void)suggested;
    size_t room;
    target->base = (char *)echo_target(&((struct client *)handle)->echo, &room);
    target->len = room;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

static void update_reading(struct client *client) {
    bool is_read = count_of(&client->writing) + count_of(&client->echo.out) <= high_water;
    if (is_read == client->is_read) return;
    client->is_read = is_read;
    uv_stream_t *stream = (uv_stream_t *)&client->pipe;
    if (is_read) check(uv_read_start(stream, on_target, on_read), "uv_read_start");
    else uv_read_stop(stream);
}

static void on_written(uv_write_t *request, int status);

// Makes a request of the waiting bytes, unless one is under way.
static void request_write(struct client *client) {
    struct bytes *out = &client->echo.out;
    if (client->writing.memory || count_of(out) == 0) return;
    client->writing = *out;
    *out = (struct bytes){0};
    uv_buf_t piece = uv_buf_init(
        (char *)client->writing.memory + client->writing.start, (unsigned)count_of(&client->writing));
    client->request.data = client;
    check(uv_write(&client->request, (uv_stream_t *)&client->pipe, &piece, 1, on_written), "uv_write");
}

static void on_written(uv_write_t *request, int status) {
    struct client *client = request->data;
    release(&client->writing);
    // A client may have been closed between its last write and this.
    if (status < 0 || uv_is_closing((uv_handle_t *)&client->pipe)) return close_client(client);
    request_write(client);
    update_reading(client);
}

// Sends as many of the bytes as it can at once; false when the peer is gone.
static bool try_write(struct client *client, struct bytes *bytes) {
    uv_buf_t piece = uv_buf_init((char *)bytes->memory + bytes->start, (unsigned)count_of(bytes));
    int taken = uv_try_write((uv_stream_t *)&client->pipe, &piece, 1);
    if (taken > 0) bytes->start += (size_t)taken;
    return taken >= 0 || taken == UV_EAGAIN;
}

static bool send_replies(struct client *client) {
    struct bytes *out = &client->echo.out;
    bool is_open = true;
    if (burst.end > 0) {
        if (!client->writing.memory) is_open = try_write(client, &burst);
        if (count_of(&burst)) append(out, burst.memory + burst.start, count_of(&burst));
        burst.start = burst.end = 0;
    } else if (out->end > 0 && !client->writing.memory) {
        is_open = try_write(client, out);
        if (count_of(out) == 0) release(out);
    }
    return is_open;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    (void)buffer;
    struct client *client = (struct client *)stream;
    if (count == 0) return;
    bool is_open = count > 0 && echo_take(&client->echo, (size_t)count) && send_replies(client);
    if (!is_open) return close_client(client);
    request_write(client);
    update_reading(client);
}

static void size_buffers(struct client *client) {
    uv_os_fd_t descriptor;
    check(uv_fileno((uv_handle_t *)&client->pipe, &descriptor), "uv_fileno");
    echo_size_buffers(&options, descriptor);
}

static void on_connection(uv_stream_t *listener, int status) {
    check(status, "uv_listen");
    struct client *client = calloc(1, sizeof *client);
    if (!client) fail("calloc");
    check(uv_pipe_init(listener->loop, &client->pipe, 0), "uv_pipe_init");
    check(uv_accept(listener, (uv_stream_t *)&client->pipe), "uv_accept");
    size_buffers(client);
    update_reading(client);
}

int main(int count, char **arguments) {
    options = echo_start(count, arguments, false);
    uv_loop_t *loop = uv_default_loop();
    static uv_pipe_t listener;
    unlink(options.path);
    check(uv_pipe_init(loop, &listener, 0), "uv_pipe_init");
    check(uv_pipe_bind(&listener, options.path), "uv_pipe_bind");
    check(uv_listen((uv_stream_t *)&listener, 4096, on_connection), "uv_listen");
    return uv_run(loop, UV_RUN_DEFAULT);
}
