-- SPDX-License-Identifier: Apache-2.0
--
-- Wireshark's dissector for the recordings of pipectl record:
--
--     wireshark -X lua_script:/usr/local/share/pipectl/namedpipes.lua talk.pcapng
--
-- For every start of Wireshark, link it into ~/.local/lib/wireshark/plugins. A recording has the link type USER0 and
-- one packet for each message, behind a header that pipectl's RecordedPacket.swift describes byte by byte. (A message
-- that is larger than a packet may be has several.)

local pipe = Proto("pipe", "Message Pipe")
local directions = { [0] = "to server", [1] = "to client" }
local fields = {
    connection = ProtoField.string("pipe.connection", "Connection"),
    direction = ProtoField.uint8("pipe.direction", "Direction", base.DEC, directions),
    uid = ProtoField.uint32("pipe.uid", "Client's user"),
    pid = ProtoField.uint32("pipe.pid", "Client's process"),
    sequence = ProtoField.uint64("pipe.sequence", "Sequence number"),
    size = ProtoField.uint64("pipe.size", "Size of the message"),
    offset = ProtoField.uint64("pipe.offset", "Offset of these bytes in it"),
}
pipe.fields = fields

local json = Dissector.get("json")
local data = Dissector.get("data")

-- A whole message is JSON if it begins with an object or an array. Of a part, the dissector would complain.
local function dissector_of(message, is_whole)
    local beginning = message:bytes(0, math.min(message:len(), 64)):raw():match("^%s*(.)")
    return is_whole and (beginning == "{" or beginning == "[") and json or data
end

function pipe.dissector(buffer, packet, root)
    if buffer:len() < 40 or buffer(0, 1):uint() ~= 1 then return 0 end
    local start = buffer(12, 2):uint()
    local name_size = buffer(3, 1):uint()
    if start < 40 + name_size or start > buffer:len() then return 0 end

    local tree = root:add(pipe, buffer(0, start))
    local name = buffer(40, name_size):string(ENC_UTF_8)
    local flags = buffer(2, 1):uint()
    tree:add(fields.connection, buffer(40, name_size), name)
    tree:add(fields.direction, buffer(1, 1))
    if flags % 2 == 1 then tree:add(fields.uid, buffer(4, 4)) end
    if math.floor(flags / 2) % 2 == 1 then tree:add(fields.pid, buffer(8, 4)) end
    tree:add(fields.sequence, buffer(16, 8))
    tree:add(fields.size, buffer(24, 8))
    tree:add(fields.offset, buffer(32, 8))

    local is_to_server = buffer(1, 1):uint() == 0
    local size, offset = buffer(24, 8):uint64():tonumber(), buffer(32, 8):uint64():tonumber()
    local count = buffer:len() - start
    local is_whole = offset == 0 and count == size
    local message = count > 0 and buffer(start):tvb() or nil
    if message then dissector_of(message, is_whole):call(message, packet, root) end

    packet.cols.protocol = "PIPE"
    packet.cols.src = is_to_server and "client " .. name or "server"
    packet.cols.dst = is_to_server and "server" or "client " .. name
    local part = is_whole and "" or string.format(" (%d from %d on)", count, offset)
    local text = message and message:bytes(0, math.min(message:len(), 120)):raw():gsub("[^\32-\126]", ".") or ""
    packet.cols.info = string.format("%s %s %d bytes%s  %s", name, is_to_server and ">" or "<", size, part, text)
    return buffer:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, pipe)
