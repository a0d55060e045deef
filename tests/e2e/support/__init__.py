# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: the programs as processes, clients, a double of AWS that breaks on command, the record
of all traffic, the API's shapes."""
