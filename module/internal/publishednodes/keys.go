package publishednodes

import "strings"

// Why keys have no equivalent. Those that have one, or say nothing that matters here, give no reason.
const (
	connects    = "OPC Publisher connects to servers, and goes on doing so"
	credentials = "credentials stay with OPC Publisher: they have no place in a twin"
	reads       = "how a server is read is OPC Publisher's to do, and goes on being so"
	describes   = "descriptions of data sets are OPC Publisher's; what a signal sends names the signal"
	transports  = "how messages travel is edgeHub's"
	repeats     = "a signal repeats its value by heartbeatIntervalMs"
	handled     = ""
)

// entryKeys are the keys of an entry, in lower case, by why they have no equivalent.
var entryKeys = map[string]string{
	"opcnodes": handled, "nodeid": handled, "datasetwritergroup": handled, "datasetpublishinginterval": handled,
	"datasetpublishingintervaltimespan": handled, "batchsize": handled, "batchtriggerinterval": handled, "batchtriggerintervaltimespan": handled,
	"messagingmode": handled, "messageencoding": handled, "version": handled, "lastchangetimespan": handled, "datasetwriterid": handled,

	"endpointurl": connects, "usesecurity": connects, "endpointsecuritymode": connects, "endpointsecuritypolicy": connects,
	"usereverseconnect": connects, "opcauthenticationmode": connects, "maxkeepalivecount": connects, "priority": connects,

	"opcauthenticationusername": credentials, "opcauthenticationpassword": credentials, "encryptedauthusername": credentials,
	"encryptedauthpassword": credentials, "username": credentials, "password": credentials,

	"datasetname": describes, "datasetdescription": describes, "datasetclassid": describes, "tag": describes,
	"metadataupdatetime": describes, "metadataupdatetimetimespan": describes,

	"writergroupqualityofservice": transports, "writergrouptransport": transports,
	"datasetkeyframecount": repeats, "sendkeepalivedatasetmessages": repeats,
	"datasetextensionfields": "give them as properties of the signals",
}

// nodeKeys are the keys of a node, in the same way.
var nodeKeys = map[string]string{
	"id": handled, "expandednodeid": handled, "nodeid": handled, "displayname": handled, "datasetfieldid": handled, "triggerednodes": handled,
	"opcsamplinginterval": handled, "opcsamplingintervaltimespan": handled, "opcpublishinginterval": handled, "opcpublishingintervaltimespan": handled,
	"heartbeatinterval": handled, "heartbeatintervaltimespan": handled, "heartbeatbehavior": handled, "skipfirst": handled, "queuesize": handled,
	"discardnew": handled, "datachangetrigger": handled, "deadbandtype": handled, "deadbandvalue": handled,

	"usecyclicread": reads, "cyclicreadmaxagetimespan": reads, "registernode": reads, "attributeid": reads, "indexrange": reads,
	"browsepath": reads, "fetchdisplayname": reads, "conditionhandling": reads,
	"datasetclassfieldid": describes, "topic": transports, "qualityofservice": transports,
}

// noteKeys tells of the keys of an object that have no equivalent. What they hold is not repeated.
func (c *converter) noteKeys(o object, known map[string]string, node string) {
	for _, key := range o.keys() {
		why, ok := known[key]
		switch {
		case !ok:
			c.notes.add(strings.TrimSpace(o.names[key]), "is not a key of published nodes that is known", node)
		case why != handled:
			c.notes.add(o.names[key], why, node)
		}
	}
}
