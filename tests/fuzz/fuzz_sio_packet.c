/* Any text as a Socket.IO packet: never crashes, and every slice of what is accepted lies inside the text. */
#include "gateway/sio/sio_packet.h"
#include "gateway/ws/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct rc_sio_packet packet;
    if (!size || !rc_utf8_valid(data, size) || rc_sio_packet_parse(text, size, &packet))
        return 0;
    bool nsp_inside = packet.nsp_len == 1 || (packet.nsp >= text && packet.nsp + packet.nsp_len <= text + size);
    bool json_inside = !packet.json || (packet.json >= text && packet.json + packet.json_len <= text + size);
    if (!nsp_inside || !json_inside)
        abort();
    return 0;
}
