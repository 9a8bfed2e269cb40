#!/usr/bin/env escript
%% -*- erlang -*-
%% SPDX-License-Identifier: Apache-2.0
%% Erlang's own {packet,4} sockets against an echo server:
%% erlang_client.escript ADDRESS [--timeout SECONDS], or --digest.
-mode(compile).

-define(BLOCK_SIZE, 65521).
-define(LARGEST, 16777215).
-define(DIFFERENT, "reply ~b: ~b bytes came back for ~b, and they differ").

main(["--digest"]) ->
    report(lists:foldl(fun add/2, new_tally(), singles() ++ pipelined()));
main([Address]) ->
    run(Address, 30);
main([Address, "--timeout", Seconds]) ->
    run(Address, list_to_integer(Seconds));
main(_) ->
    fail("usage: ADDRESS [--timeout SECONDS] | --digest", []).

run(Address, Seconds) ->
    spawn(fun() -> timer:sleep(Seconds * 1000), fail("not finished after ~b s", [Seconds]) end),
    % {active, N}: the runtime delivers N messages to the mailbox, then says tcp_passive and waits to be asked again.
    Options = [binary, {packet, 4}, {active, 64}, {buffer, 65536}],
    case gen_tcp:connect({local, local_name(Address)}, 0, Options) of
        {ok, Socket} -> report(exchange(Socket));
        {error, Reason} -> fail("~ts: ~ts", [Address, inet:format_error(Reason)])
    end.

%% "@name" is the abstract name, everything else a path.
local_name("@" ++ Name) -> <<0, (unicode:characters_to_binary(Name))/binary>>;
local_name(Path) -> unicode:characters_to_binary(Path).

exchange(Socket) ->
    OneByOne = fun(Body, Tally) ->
        send(Socket, Body),
        check(Body, Socket, Tally)
    end,
    Tally = lists:foldl(OneByOne, new_tally(), singles()),
    % The writer is a process of its own: this one has to read while that one waits for room in the socket.
    Bodies = pipelined(),
    % Should it fail, it only ends: what the server did is seen here.
    spawn(fun() -> lists:all(fun(Body) -> gen_tcp:send(Socket, Body) =:= ok end, Bodies) end),
    Result = lists:foldl(fun(Body, Before) -> check(Body, Socket, Before) end, Tally, Bodies),
    ok = gen_tcp:close(Socket),
    Result.

send(Socket, Body) ->
    case gen_tcp:send(Socket, Body) of
        ok -> ok;
        {error, Reason} -> fail("send: ~p", [Reason])
    end.

check(Body, Socket, {Count, _, _} = Tally) ->
    receive
        {tcp, Socket, Body} -> add(Body, Tally);
        {tcp, Socket, Other} -> fail(?DIFFERENT, [Count, byte_size(Other), byte_size(Body)]);
        {tcp_passive, Socket} -> inet:setopts(Socket, [{active, 64}]), check(Body, Socket, Tally);
        {tcp_closed, Socket} -> fail("the server closed after ~b replies", [Count]);
        {tcp_error, Socket, Reason} -> fail("receive: ~p", [Reason])
    end.

%% The tally {messages, bytes, CRC-32 of the wire}.

new_tally() -> {0, 0, 0}.

add(Body, {Messages, Bytes, Digest}) ->
    Size = byte_size(Body),
    {Messages + 1, Bytes + Size, erlang:crc32(erlang:crc32(Digest, <<Size:32>>), Body)}.

report({Messages, Bytes, Digest}) ->
    io:format("ok ~b messages ~b bytes ~8.16.0b~n", [Messages, Bytes, Digest]),
    halt(0).

fail(Format, Arguments) ->
    io:format(standard_error, "erlang_client.escript: " ++ Format ++ "~n", Arguments),
    halt(1).

%% The corpus; README.md defines it.

singles() ->
    Lengths = [0, 1, 65535, 65536, 65537, 1048576, ?LARGEST],
    Misleading = [<<0:32>>, binary:copy(<<255>>, 12), list_to_binary(lists:seq(0, 255))],
    Noise = [pattern(1009 * Length, Length) || Length <- [4, 1000, 9999, 250007]],
    [pattern(0, Length) || Length <- Lengths] ++ texts() ++ Misleading ++ Noise.

pipelined() ->
    [pattern(31 * Index, 97 * Index rem 301) || Index <- lists:seq(0, 9999)].

texts() ->
    [
        <<"Zażółć gęślą jaźń"/utf8>>,
        <<"Привет, мир. Γειά σου, κόσμε."/utf8>>,
        <<"שלום עולם, مرحبا بالعالم"/utf8>>,
        <<"नमस्ते दुनिया, สวัสดีชาวโลก"/utf8>>,
        <<"你好，世界。こんにちは、世界。안녕하세요"/utf8>>,
        <<"\x{1F469}\x{200D}\x{1F469}\x{200D}\x{1F467} \x{1F3F3}\x{FE0F}\x{200D}\x{1F308} \x{1F1F5}\x{1F1F1}"/utf8>>,
        <<"e\x{301} n\x{303} \x{1E9B}\x{323} Z\x{351}\x{36B}\x{343}"/utf8>>,
        <<"two\nlines\r\n, a tab\t, a NUL\0, a bell\x{7}"/utf8>>
    ].

pattern(Offset, Length) ->
    binary:part(repeated(), Offset rem ?BLOCK_SIZE, Length).

repeated() ->
    case get(repeated) of
        undefined ->
            Block = list_to_binary(bytes(?BLOCK_SIZE, 16#4E503437)),
            put(repeated, binary:copy(Block, ?LARGEST div ?BLOCK_SIZE + 2)),
            repeated();
        Repeated ->
            Repeated
    end.

bytes(0, _) -> [];
bytes(Count, State) ->
    Next = (State * 1664525 + 1013904223) band 16#FFFFFFFF,
    [Next bsr 24 | bytes(Count - 1, Next)].
