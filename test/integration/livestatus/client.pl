#!/usr/bin/perl
# A program as people write them with Monitoring::Livestatus: asks, counts, mistakes a table, gives a command,
# asks again. Prints what it was given as one JSON document, the same for every way to the same core.
#
#     client.pl PEER KEEPALIVE COMMAND [CA CERTIFICATE KEY]
#
# PEER is HOST:PORT, tls://HOST:PORT or the path of a socket, KEEPALIVE 0 or 1.
use strict;
use warnings;
use Cpanel::JSON::XS ();
use Monitoring::Livestatus ();

my ($peer, $keepalive, $command, $ca, $certificate, $key) = @ARGV;
my $livestatus = Monitoring::Livestatus->new(
    peer             => $peer,
    keepalive        => $keepalive,
    errors_are_fatal => 0,
    timeout          => 20,
    ca_file          => $ca,
    cert             => $certificate,
    key              => $key,
);

my %got;
$got{services} = $livestatus->selectall_arrayref(
    "GET services\nColumns: host_name description state plugin_output perf_data groups", { Slice => 1 });
$got{hosts} = $livestatus->selectall_hashref("GET hosts\nColumns: name address alias state", 'name');
$got{names} = $livestatus->selectcol_arrayref("GET hosts\nColumns: name\nFilter: groups >= web");
$got{one} = $livestatus->selectrow_hashref("GET hosts\nColumns: name contacts\nFilter: name = acme-web-001");
$got{version} = $livestatus->selectscalar_value("GET status\nColumns: program_version");
$got{counts} = $livestatus->selectall_arrayref(
    "GET services\nStats: state = 0 as ok\nStats: state != 0 as problems\nFilter: description = CPU load",
    { Slice => 1 });
# many small ones, which with keepalive all go over one connection
$got{small} = [map { $livestatus->selectrow_arrayref("GET hosts\nColumns: name\nFilter: name ~ -00$_\$") } 1 .. 9];

$got{wrong} = $livestatus->selectall_arrayref("GET nosuch\nColumns: name");
$got{error} = [$Monitoring::Livestatus::ErrorCode, $Monitoring::Livestatus::ErrorMessage];
$got{after_error} = $livestatus->selectrow_arrayref("GET hosts\nColumns: name\nLimit: 1");

$got{done} = $livestatus->do($command);
$got{after_command} = $livestatus->selectrow_arrayref("GET hosts\nColumns: name\nLimit: 1");

print Cpanel::JSON::XS->new->canonical->ascii->encode(\%got), "\n";
