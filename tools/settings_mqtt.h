// tools/settings_mqtt.h - the [[mqtt]] and [[mqtt.rule]] tables of a settings file.
#pragma once

#include <vector>

#include "tools/settings.h"
#include "tools/settings_section.h"

namespace deltamesh {

// One [[mqtt]] with its rules, whose datasets are among `datasets`.
BrokerSettings read_broker(SettingsSection& section, const std::vector<DatasetConfig>& datasets);

}  // namespace deltamesh
