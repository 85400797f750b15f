<?php
// What NagVis asks for a map with hosts, services and groups on it, through its own backend class: states, counts
// of members, lists for its editor, an acknowledgement. Prints what it was given as one JSON document.
//
//     nagvis.php CORE SOCKET HOST SERVICE    CORE: the folder share/server/core of NagVis; SOCKET: as in nagvis.ini.php

[, $core, $socket, $hostName, $description] = $argv;

// what the rest of NagVis would provide
const SETTINGS = ['only_permitted_objects' => false, 'staleness_threshold' => 1.5, 'timeout' => 5];
function cfg($section, $key) {
    return $key === 'socket' ? $GLOBALS['socket'] : SETTINGS[$key];
}
function l($text, $values = []) {
    foreach ($values as $name => $value) $text = str_replace("[$name]", (string)$value, $text);
    return $text;
}

require "$core/defines/global.php";
require "$core/defines/matches.php";
class NagVisException extends Exception {}
class BackendException extends NagVisException {}
class BackendConnectionProblem extends BackendException {}
class BackendInvalidResponse extends BackendException {}
require "$core/classes/GlobalBackendInterface.php";
require "$core/classes/GlobalBackendmklivestatus.php";
// NagVis is older than PHP 8.2; this comes last because its own files set it, too
error_reporting(E_ALL & ~E_DEPRECATED);

/** An object on a map, as far as the backend looks at it. */
class OnMap {
    function __construct(private string $type, private string $name, private string $description = '') {}
    function getType() { return $this->type; }
    function getName() { return $this->name; }
    function getServiceDescription() { return $this->description; }
    function hasExcludeFilters($counting) { return false; }
}

/** What was given, or the error as the map would show it. */
function attempt(callable $ask) {
    try {
        return $ask();
    } catch (BackendException $problem) {
        return ['error' => get_class($problem), 'text' => str_replace($GLOBALS['socket'], 'SOCKET', $problem->getMessage())];
    }
}

function by(string $key, string $operator = '=') {
    return ['key' => $key, 'op' => $operator, 'val' => 'name'];
}

$backend = attempt(fn() => new GlobalBackendmklivestatus('live'));
if (is_array($backend)) {
    echo json_encode(['backend' => $backend]), "\n";
    exit;
}
$host = [$hostName => [new OnMap('host', $hostName)]];
$service = ["$hostName~~$description" => [new OnMap('service', $hostName, $description)]];
$hosts = ['web' => [new OnMap('hostgroup', 'web')]];
$services = ['storage' => [new OnMap('servicegroup', 'storage')]];
$named = [by('host_name')];
$grouped = [by('groups', '>=')];

$got = [
    'start' => attempt(fn() => $backend->getProgramStart()),
    'objects' => array_map(
        fn($type) => attempt(fn() => $backend->getObjects($type)),
        ['host', 'hostgroup', 'servicegroup', 'service'],
    ),
    'host' => attempt(fn() => $backend->getHostState($host, 0, $named)),
    'members' => attempt(fn() => $backend->getHostMemberCounts($host, 0, $named)),
    'services' => attempt(fn() => $backend->getServiceState($host, 0, $named)),
    'service' => attempt(fn() => $backend->getServiceState($service, 0, [by('host_name'), by('service_description')])),
    'hostgroup' => attempt(fn() => $backend->getHostgroupStateCounts($hosts, 0, $grouped)),
    'servicegroup' => attempt(fn() => $backend->getServicegroupStateCounts($services, 0, $grouped)),
    'roots' => attempt(fn() => $backend->getHostNamesWithNoParent()),
    'children' => attempt(fn() => $backend->getDirectChildNamesByHostName($hostName)),
    'problems' => attempt(fn() => $backend->getHostNamesProblematic()),
    'contacts' => attempt(fn() => $backend->getContactsWithGroups()),
    'wrong' => attempt(fn() => $backend->query('rows', "GET nosuch\nColumns: name\n")),
];
// in a request to NagVis of its own, whose end ends the connection; the command has no empty line
attempt(fn() => $backend->actionAcknowledge('service', "$hostName;$description", 'gesehen', true, false, true, 'admin'));
unset($backend);

// the one number with a fraction is how stale a state is, which differs from one moment to the next
array_walk_recursive($got, function (&$value) {
    if (is_float($value)) $value = 'stale';
});
echo json_encode($got, JSON_THROW_ON_ERROR), "\n";
