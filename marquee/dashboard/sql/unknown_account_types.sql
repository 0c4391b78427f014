-- Why the rows of ops.quarantine_fan_interactions are there shows in their account type.
SELECT interaction.account_type, COUNT(*) AS interaction_count
FROM ops.quarantine_fan_interactions AS interaction
LEFT JOIN silver.seed_account_types AS known ON known.account_type = interaction.account_type
WHERE known.account_type IS NULL AND interaction.account_type IS NOT NULL
GROUP BY interaction.account_type
ORDER BY interaction_count DESC NULLS LAST, interaction.account_type
